import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const SUBJECT = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']

/** For a server on loopback; it is its own authority, for a day. `file`: where its certificate stands. */
export async function makeCertificate() {
  const dir = await mkdtemp(join(tmpdir(), 'users-service-certificate-'))
  const [keyFile, file] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile]
  await promisify(execFile)('openssl', ['req', '-x509', ...key, '-out', file, '-days', '1', ...SUBJECT])
  return {
    file,
    key: await readFile(keyFile),
    cert: await readFile(file),
    remove: () => rm(dir, { recursive: true, force: true }),
  }
}
