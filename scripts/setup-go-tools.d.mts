type Name = 'helm' | 'kubeconform' | 'kube-score' | 'oasdiff' | 'promtool'
export function goTool(root: string, name: Name): string
export function ensureGoTool(
  options: { root: string; env: Record<string, string | undefined>; write: (text: string) => void },
  name: Name,
): string | undefined
