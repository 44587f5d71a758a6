export const KUBERNETES: string
export function schemaFolder(root: string): string
export function definitionFolder(root: string): string
