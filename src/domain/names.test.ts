import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NAMES } from '../jobs/seed/names.ts'
import { foldName, MAX_FOLDED_LENGTH, searchName } from './names.ts'

const SEED = 20_240_601
const RUNS = { seed: SEED, numRuns: 500 }
/** Any code points, halves of surrogate pairs among them, and graphemes as people write them. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom('Σ', 'ς', 'İ', 'ß', 'ﬃ', 'ŉ', '\ud83d', '\ude00', ' ', '\u00a0', '´', 'e\u0301') }),
)

const TABLE: [why: string, folded: string, ...texts: string[]][] = [
  ['case and marks', 'angstrom', 'Ångström', 'ANGSTROM', 'angstrom', 'A\u030angstro\u0308m'],
  ['strokes that are no marks', 'lodz', 'Łódź', 'łódź', 'Lodz', 'LODZ'],
  ['the letters of the North', 'aegir thora sorensen odegard', 'Ægir Þóra Sørensen Ødegård'],
  ['d with a stroke, both kinds', 'dang gudrun', 'Đặng Guðrún'],
  ['sharp s, small and capital', 'strauss', 'Strauß', 'STRAUẞ', 'STRAUSS'],
  ['o with e', 'oeuvre', 'Œuvre', 'œuvre'],
  ['Turkish i with and without a dot', 'isik ibrahim', 'Işık İbrahim', 'IŞIK İBRAHİM'],
  ['Maltese h', 'hamrun', 'Ħamrun'],
  ['every apostrophe', "o'brien", "O'Brien", 'O’Brien', 'OʼBrien', 'O`Brien', 'O´Brien'],
  ['Greek sigma', 'αθανασιοσ', 'Αθανάσιος', 'ΑΘΑΝΑΣΙΟΣ', 'αθανασιοσ'],
  ['Cyrillic', 'королев', 'Королёв', 'КОРОЛЕВ'],
  ['ligatures and wide letters', 'office', 'oﬃce', 'ｏｆｆｉｃｅ'],
  ['half-width katakana', 'カナ', 'カナ', 'ｶﾅ'],
  ['ideographs stay', '佐藤 美咲', '佐藤 美咲', '佐藤　美咲'],
  ['blanks of all kinds are one, none at the ends', 'van der berg', '  van  der\u00a0\u2003berg ', 'VAN DER BERG'],
  ['what nobody sees', 'mary-jane', 'Mary\u200b-\u200dJa\u00adne\ufeff', '\u202eMary-Jane'],
  ['nothing', '', '', ' ', '\u0301', '\u0000', '\ud800'],
]
for (const [why, folded, ...texts] of TABLE) {
  test(`folding: ${why}`, () => {
    for (const each of texts) assert.equal(foldName(each), folded, JSON.stringify(each))
  })
}

test('Hangul that is composed and that is not meet', () => {
  assert.equal(foldName('김'.normalize('NFD')), foldName('김'))
  assert.notEqual(foldName('김'), foldName('긴'))
})

test('family and given name are searched for as one, family name first', () => {
  assert.equal(searchName('Wójcik', 'Zofia'), 'wojcik zofia')
  assert.equal(searchName(' Ó Súilleabháin', 'Seán '), 'o suilleabhain sean')
})

test('different people of one name in different scripts stay different', () => {
  assert.notEqual(foldName('Μαρία'), foldName('Maria'))
  assert.notEqual(foldName('Muller'), foldName('Miller'))
})

test('names in capitals are found, in every script that has them', () => {
  for (const name of NAMES.flatMap(({ given, family }) => [...given, ...family])) {
    assert.equal(foldName(name.toUpperCase()), foldName(name), name)
    assert.notEqual(foldName(name), '', name)
  }
})

test('what somebody has typed so far, in capitals or not, is the beginning of the folded name', () => {
  for (const name of NAMES.flatMap(({ given, family }) => [...given, ...family])) {
    for (const whole of [name, name.toUpperCase()]) {
      const letters = [...whole]
      for (let typed = 1; typed <= letters.length; typed += 1) {
        const beginning = letters.slice(0, typed).join('')
        assert.ok(foldName(name).startsWith(foldName(beginning)), `${beginning} begins ${name}`)
      }
    }
  }
})

test(`folding twice is folding once (seed ${SEED})`, () => {
  fc.assert(
    fc.property(text, (name) => assert.equal(foldName(foldName(name)), foldName(name))),
    RUNS,
  )
})

test(`a folded name is short, well-formed, and holds nothing that is not seen (seed ${SEED})`, () => {
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 20 }), (name, times) => {
      const folded = foldName(name.repeat(times))
      assert.ok(folded.length <= MAX_FOLDED_LENGTH)
      assert.ok(folded.isWellFormed())
      assert.doesNotMatch(folded, /[\p{C}\p{M}]|^\s|\s$|\s\s|[^\S ]/u)
    }),
    RUNS,
  )
})

test(`how a name was composed does not matter (seed ${SEED})`, () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.constantFrom('NFC', 'NFD'), (name, form) =>
      assert.equal(foldName(name.normalize(form)), foldName(name)),
    ),
    RUNS,
  )
})

test('a name that is too long is cut, and folds to the same again, wherever the cut falls', () => {
  for (const name of ['a'.repeat(300), `${'a'.repeat(199)} b`, `${'a'.repeat(199)}😀`, 'ﷺ'.repeat(63)]) {
    const folded = foldName(name)
    assert.ok(folded.length <= MAX_FOLDED_LENGTH && folded.length >= MAX_FOLDED_LENGTH - 1, `${folded.length}`)
    assert.equal(foldName(folded), folded)
  }
})
