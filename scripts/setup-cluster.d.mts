export function clusterFolder(root: string): string
