import { drdaMissing } from './server.ts'

// Ends with 0 where the tests over IBM's driver can run; says why where they cannot.
const missing = drdaMissing()
if (missing !== null) {
  process.stdout.write(`left out, the end-to-end tests over DRDA: ${missing}\n`)
  process.exitCode = 1
}
