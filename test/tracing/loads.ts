import { writeSync } from 'node:fs'
import { registerHooks } from 'node:module'

// Preloaded: says at the end of each thread which packages of agents were loaded, be it by `import` or `require`.
const AGENTS = /node_modules\/(newrelic|@opentelemetry\/[\w-]+)\//
const STDERR = 2
const loaded = new Set<string>()
registerHooks({
  load(url, context, next) {
    const found = AGENTS.exec(url)?.[1]
    if (found !== undefined) loaded.add(found)
    return next(url, context)
  },
})
process.on('exit', () => writeSync(STDERR, `loaded: ${[...loaded].sort().join(' ')};\n`))
