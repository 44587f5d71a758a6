export type Rule = { name: string; refuses: RegExp; planted: string }

/**
 * What other databases take and Informix 12.10 does not, or takes for something else: IBM Informix Guide to SQL: Syntax.
 * Each with a statement that it must refuse.
 */
export const RULES: Rule[] = [
  { name: 'a double quote begins text, not a name', refuses: /"/, planted: 'SELECT "user_id" FROM users' },
  { name: 'no OFFSET', refuses: /\bOFFSET\b/i, planted: 'SELECT user_id FROM users LIMIT 5 OFFSET 5' },
  { name: 'no offset in LIMIT', refuses: /\bLIMIT\s+[\d?]+\s*,/i, planted: 'SELECT user_id FROM users LIMIT 5, 5' },
  { name: 'no RETURNING', refuses: /\bRETURNING\b/i, planted: 'INSERT INTO roles (role) VALUES (?) RETURNING role' },
  {
    name: 'one row a VALUES',
    refuses: /\bVALUES\s*\([^()]*(?:\([^()]*\)[^()]*)*\)\s*,/i,
    planted: 'INSERT INTO roles (role) VALUES (?), (?)',
  },
  {
    name: 'no upsert',
    refuses: /\bON\s+(?:CONFLICT|DUPLICATE)\b|\bINSERT\s+OR\b|\bREPLACE\s+INTO\b/i,
    planted: 'INSERT OR IGNORE INTO roles (role) VALUES (?)',
  },
  {
    name: 'no WITH before 14.10',
    refuses: /^\s*WITH\b/i,
    planted: 'WITH n AS (SELECT 1 AS i FROM roles) SELECT i FROM n',
  },
  { name: 'a FROM to each SELECT', refuses: /\bSELECT\b(?![\s\S]*\bFROM\b)/i, planted: 'SELECT 1 AS n' },
  {
    name: 'no words for true and false',
    refuses: /\b(?:TRUE|FALSE)\b/i,
    planted: 'UPDATE roles SET privileged = TRUE',
  },
  {
    name: 'FIRST or LIMIT, no FETCH',
    refuses: /\bFETCH\s+FIRST\b|\bTOP\s+\d/i,
    planted: 'SELECT role FROM roles FETCH FIRST 5 ROWS ONLY',
  },
  {
    name: 'CURRENT is the server’s own zone, and CURRENT_TIMESTAMP is none',
    refuses: /\bCURRENT_(?:TIMESTAMP|DATE|TIME)\b|\bNOW\(/i,
    planted: 'SELECT CURRENT_TIMESTAMP AS now FROM roles',
  },
  {
    name: 'no key that the database gives is updated',
    refuses: /\bSET\b(?:(?!\bWHERE\b)[\s\S])*\b(?:user_id|change_id|audit_id)\s*=/i,
    planted: 'UPDATE users SET user_id = user_id WHERE user_id = ?',
  },
  { name: 'no comment may hide the rest', refuses: /--|\/\*/, planted: 'DELETE FROM roles -- WHERE role = ?' },
  { name: 'one statement at a time', refuses: /;/, planted: 'DELETE FROM roles; DELETE FROM users' },
  {
    name: 'ILIKE, GLOB and REGEXP are others’',
    refuses: /\b(?:ILIKE|GLOB|REGEXP)\b/i,
    planted: "SELECT role FROM roles WHERE role GLOB 'a*'",
  },
]

/** Names of the rules that a statement breaks; what stands in single quotes is data. */
export function lint(sql: string): string[] {
  const code = sql.replaceAll(/'(?:[^']|'')*'/g, "''")
  return RULES.filter(({ refuses }) => refuses.test(code)).map(({ name }) => name)
}
