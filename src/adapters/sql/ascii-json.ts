/**
 * JSON in ASCII alone, which means the same: a database's code set may lack a character, or count it as several; and a
 * command that puts right what an older program has written there must not fail at it.
 */
export function asciiJson(value: unknown): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(value).replaceAll(/[\u007f-\uffff]/g, escaped)
}
