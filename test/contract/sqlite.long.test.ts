import { everyContract } from './all.ts'
import { openSqliteRig } from './sqlite.ts'

// The embedded database.
everyContract(openSqliteRig)
