/** Longest folded search text that is stored or searched for, in UTF-16 code units: bounds the index's members. */
export const MAX_FOLDED_LENGTH = 200

/**
 * Folds a name for search: compatibility decomposition, no combining marks, lower case, one blank between words, so that
 * "Ångström", "ANGSTROM" and "angstrom" meet. Letters that have no decomposition but that people type without their
 * stroke are mapped by hand (Unicode's NFKD leaves ø, ł, đ, ß, æ … as they are).
 */
export function foldName(text: string): string {
  return text
    .replace(/´/g, "'") // Before NFKD, which makes a blank of it.
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[øłđðþßæœıħς’ʼ`]/g, (letter) => PLAIN[letter] ?? letter)
    .replace(/\p{C}+/gu, '')
    .replace(/\s+/gu, ' ')
    .trim()
    .slice(0, MAX_FOLDED_LENGTH)
    .trimEnd()
    .toWellFormed()
}

const PLAIN: Record<string, string> = {
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ı: 'i',
  ħ: 'h',
  // Lower case makes it of a capital at the end of a word, so also at the end of a beginning that is searched for.
  ς: 'σ',
  '’': "'",
  ʼ: "'",
  '`': "'",
}

/** What the name index sorts by: "family given", folded. */
export function searchName(familyName: string, givenName: string): string {
  return foldName(`${familyName} ${givenName}`)
}
