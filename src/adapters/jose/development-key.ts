import { randomUUID } from 'node:crypto'
import { chmod, link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'

export const DEVELOPMENT_ALGORITHM = 'ES256'
const OWNER_ONLY = 0o600
const ANYBODY_ELSE = 0o077

/** As a private JWK (RFC 7517), with `kid`. Made when there is none; of several processes that start at once one makes it. */
export async function developmentKey(file: string): Promise<JWK & { kid: string }> {
  const held = await readKey(file)
  if (held) return held
  await mkdir(dirname(file), { recursive: true })
  const draft = `${file}.${randomUUID()}`
  try {
    await writeFile(draft, `${JSON.stringify(await newKey())}\n`, { mode: OWNER_ONLY, flag: 'wx', flush: true })
    await chmod(draft, OWNER_ONLY)
    // A hard link never replaces anything: whose comes second takes the first one's.
    await link(draft, file).catch((error) => {
      if ((error as { code?: string }).code !== 'EEXIST') throw error
    })
  } finally {
    await rm(draft, { force: true })
  }
  const made = await readKey(file)
  if (!made) throw unusable(file, 'is gone again')
  return made
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(DEVELOPMENT_ALGORITHM, { extractable: true })
  const jwk = await exportJWK(privateKey)
  return { ...jwk, alg: DEVELOPMENT_ALGORITHM, kid: await calculateJwkThumbprint(jwk) }
}

async function readKey(file: string): Promise<(JWK & { kid: string }) | null> {
  const text = await readFile(file, 'utf8').catch((error) => {
    if ((error as { code?: string }).code === 'ENOENT') return null
    throw unusable(file, 'cannot be read')
  })
  if (text === null) return null
  if (((await stat(file)).mode & ANYBODY_ELSE) !== 0) throw unusable(file, 'may be read by others')
  const jwk = parsed(text)
  if (typeof jwk?.kid !== 'string' || typeof jwk.d !== 'string') throw unusable(file, 'holds no key')
  return { ...jwk, kid: jwk.kid }
}

function parsed(text: string): JWK | null {
  try {
    return JSON.parse(text) as JWK | null
  } catch {
    return null
  }
}

/** The public half, as a key set shows it. */
export function publicHalf({ kty, crv, x, y, alg, kid }: JWK): JWK {
  return { kty, crv, x, y, alg, kid } as JWK
}

/** Somebody at the terminal can mend it. */
function unusable(file: string, what: string): Error {
  return Object.assign(new Error(`${file} ${what}; delete it, and another is made.`), { expected: true })
}
