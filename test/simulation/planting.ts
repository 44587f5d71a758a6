import { basename } from 'node:path'
import { type Fault, faultyText, importWith } from '../support/plant.ts'
import type { Modules } from './modules.ts'
import type { Mutate } from './server.ts'
import type { Faults } from './simulate.ts'

export type { Fault }

const MODULES = 'test/simulation/modules.ts'
const RELOADED = /\/(?:src\/(?:projections|jobs)\/|test\/simulation\/modules\.ts)/

/** The faults, for a simulation: production code but for them. */
export async function plant(fault: Fault): Promise<Faults> {
  if (fault.file.endsWith('.lua')) return { mutate: inScript(fault) }
  const { PRODUCTION } = await importWith<{ PRODUCTION: Modules }>(fault, MODULES, RELOADED)
  return { modules: PRODUCTION }
}

function inScript(fault: Fault): Mutate {
  const text = faultyText(fault)
  const name = basename(fault.file, '.lua')
  return (script) => (script.name === name ? text : script.source)
}
