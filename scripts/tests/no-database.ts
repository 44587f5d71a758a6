// Loaded before unit tests: Node's permissions do not hold for what SQLite opens and writes.

import { registerHooks } from 'node:module'

const REFUSING = `
  export class DatabaseSync {
    constructor() {
      throw new Error('A unit test opens no database; one that does is called x.component.test.ts.')
    }
  }
  export default { DatabaseSync }`
const url = `data:text/javascript,${encodeURIComponent(REFUSING)}`

registerHooks({
  resolve: (name, context, next) => (name === 'node:sqlite' ? { url, shortCircuit: true } : next(name, context)),
})
