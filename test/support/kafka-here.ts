import { kafkaMissing } from './kafka.ts'

// Ends with 0 where the tests over Kafka can run; says why where they cannot.
const missing = kafkaMissing()
if (missing !== null) {
  process.stdout.write(`left out, the end-to-end tests over Kafka: ${missing}\n`)
  process.exitCode = 1
}
