// Loaded before unit tests: Node's permissions do not hold for what SQLite opens and writes.

class Refusing {
  constructor() {
    throw new Error('A unit test opens no database; one that does is called x.component.test.ts.')
  }
}

// Before anybody imports it: what has been imported by name is not changed any more.
Object.assign(process.getBuiltinModule('node:sqlite'), { DatabaseSync: Refusing })
