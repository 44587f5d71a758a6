export function documentsIn(text: string): string[]
export function readYaml(helm: string, texts: string[]): Record<string, unknown>[]
