import { auditChainContract } from './audit-chain.ts'
import { auditErasureContract } from './audit-erasure.ts'
import { auditTamperingContract } from './audit-tampering.ts'
import { changeClaimsContract } from './change-claims.ts'
import { changeFeedContract } from './change-feed.ts'
import { commandKeysContract } from './command-keys.ts'
import { databaseContract } from './database.ts'
import { faultyChangesContract } from './faulty-changes.ts'
import { feedUnderFireContract } from './feed-under-fire.ts'
import { measuredContract } from './measured.ts'
import { parkedChangesContract } from './parked-changes.ts'
import { pendingEventsContract } from './pending-events.ts'
import { registerContract } from './register-user.ts'
import { relayLeaseContract } from './relay-lease.ts'
import type { OpenRig } from './rig.ts'
import { roleStoreContract } from './role-store.ts'
import { switchesContract } from './switches.ts'
import { triggersContract } from './triggers.ts'
import { tornReadsContract, truthContract } from './truth.ts'
import { userStoreContract } from './user-store.ts'
import { versionBumpsContract } from './version-bumps.ts'

/** What every implementation of the port `Database` keeps, with all that is built on it. */
export function everyContract(open: OpenRig): void {
  for (const contracts of [contractsOfData, contractsOfAudit, contractsOfChanges, contractsOfWorkers]) contracts(open)
}

/** What is kept of people, roles and all that commands write. */
export function contractsOfData(open: OpenRig): void {
  databaseContract(open)
  triggersContract(open)
  truthContract(open)
  tornReadsContract(open)
  userStoreContract(open)
  registerContract(open)
  commandKeysContract(open)
  roleStoreContract(open)
  versionBumpsContract(open)
  measuredContract(open)
  switchesContract(open)
}

/** What is kept of who did what. */
export function contractsOfAudit(open: OpenRig): void {
  auditChainContract(open)
  auditTamperingContract(open)
  auditErasureContract(open)
}

/** What is told of it to those who project and publish. */
export function contractsOfChanges(open: OpenRig): void {
  changeFeedContract(open)
  faultyChangesContract(open)
  parkedChangesContract(open)
  pendingEventsContract(open)
  relayLeaseContract(open)
}

/** That many of those who project share the work, and lose none of it. */
export function contractsOfWorkers(open: OpenRig): void {
  changeClaimsContract(open)
  feedUnderFireContract(open)
}
