/** Ten times as deep as anything that is taken here. */
export const MAX_JSON_DEPTH = 32

const [QUOTE, BACKSLASH] = [0x22, 0x5c]
const [OPEN_ARRAY, OPEN_OBJECT, CLOSE_ARRAY, CLOSE_OBJECT] = [0x5b, 0x7b, 0x5d, 0x7d]

/**
 * Whether a text of JSON, in UTF-8, nests deeper than that. It looks at bytes alone, once each: what is no JSON is the
 * parser's to refuse. Before parsing, because what comes after a parser walks by calling itself: validators, comparisons, and
 * whoever writes a value out again.
 */
export function isTooDeep(text: Uint8Array): boolean {
  let depth = 0
  for (let i = 0; i < text.length; i += 1) {
    const byte = text[i]
    if (byte === QUOTE) i = endOfString(text, i + 1)
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      depth += 1
      if (depth > MAX_JSON_DEPTH) return true
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth -= 1
  }
  return false
}

function endOfString(text: Uint8Array, begin: number): number {
  let i = begin
  while (i < text.length && text[i] !== QUOTE) i += text[i] === BACKSLASH ? 2 : 1
  return i
}
