import { changeClaimsContract } from './change-claims.ts'
import { changeFeedContract } from './change-feed.ts'
import { databaseContract } from './database.ts'
import { faultyChangesContract } from './faulty-changes.ts'
import { feedUnderFireContract } from './feed-under-fire.ts'
import { parkedChangesContract } from './parked-changes.ts'
import { registerContract } from './register-user.ts'
import { roleStoreContract } from './role-store.ts'
import { openSqliteRig } from './sqlite.ts'
import { triggersContract } from './triggers.ts'
import { tornReadsContract, truthContract } from './truth.ts'
import { userStoreContract } from './user-store.ts'
import { versionBumpsContract } from './version-bumps.ts'

// The embedded database keeps every contract. Another adapter gets a file like this one.
databaseContract(openSqliteRig)
triggersContract(openSqliteRig)
truthContract(openSqliteRig)
tornReadsContract(openSqliteRig)
userStoreContract(openSqliteRig)
registerContract(openSqliteRig)
roleStoreContract(openSqliteRig)
changeFeedContract(openSqliteRig)
changeClaimsContract(openSqliteRig)
faultyChangesContract(openSqliteRig)
parkedChangesContract(openSqliteRig)
feedUnderFireContract(openSqliteRig)
versionBumpsContract(openSqliteRig)
