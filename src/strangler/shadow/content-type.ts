export type ContentType = { media: string; charset: string | null }

/** RFC 9110, section 8.3.1. Other parameters than the charset are left out. */
export function contentType(text: string): ContentType {
  const [media = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const charset = parameters.map((parameter) => /^charset="?([^"]*)"?$/.exec(parameter)?.[1]).find(Boolean)
  return { media, charset: charset ?? null }
}

export function isJson({ media }: ContentType): boolean {
  return media === 'application/json' || media.endsWith('+json')
}

/** The same for types that mean the same. JSON is UTF-8, whether that is said or not (RFC 8259, section 8.1). */
export function comparableType(text: string): string {
  const type = contentType(text)
  const isSaid = type.charset !== null && !(isJson(type) && type.charset === 'utf-8')
  return isSaid ? `${type.media}; charset=${type.charset}` : type.media
}
