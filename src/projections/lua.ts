import { readFileSync } from 'node:fs'
import type { LuaScript } from '../ports/redis.ts'

/** Loads a script that stands beside the module that calls this: `lua(import.meta.url, 'apply-n')`. */
export function lua(moduleUrl: string, name: string): LuaScript {
  return { name, source: readFileSync(new URL(`./${name}.lua`, moduleUrl), 'utf8') }
}
