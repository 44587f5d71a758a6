/**
 * Everything in which a copy can differ from the truth. `unreadable`: what stands there is nothing that this service
 * writes. `ahead`: of a later version than the database's. `content` and
 * `terms`: other ones at the same version. `tombstone`: of somebody who lives; `undead`: the reverse. `uncounted`: no
 * trigger ever counted the user. `…-missing` and `…-extra`: entries of the indexes. `hint`: a username leads elsewhere,
 * or nowhere.
 */
export const CAUSES = [
  'unreadable',
  'missing',
  'behind',
  'ahead',
  'content',
  'terms',
  'tombstone',
  'undead',
  'uncounted',
  'dirty',
  'hint',
  'ids-missing',
  'ids-extra',
  'names-missing',
  'names-extra',
  'roster-missing',
  'roster-extra',
  'roles-missing',
  'roles-behind',
  'roles-ahead',
  'roles-content',
] as const
export type Cause = (typeof CAUSES)[number]
