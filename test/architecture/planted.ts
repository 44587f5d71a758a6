// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these strings are programs.
import type { Rule } from './check.ts'

/** `faults`: all that this rule says of `files`, as `path: what`. */
export type Planted = { name: string; files: Record<string, string>; faults: string[] }

const one = (path: string, source: string, what?: string): Omit<Planted, 'name'> => ({
  files: { [path]: source },
  faults: what === undefined ? [] : [`${path}: ${what}`],
})
const allowed = (name: string, path: string, source: string): Planted => ({ name, ...one(path, source) })
/** The fault is on line 1 unless it is said otherwise. */
const wrong = (name: string, path: string, source: string, what: string, line = 1): Planted => ({
  name,
  ...one(path, source, `line ${line}: ${what}`),
})
const plainly = (name: string, path: string, source: string, what: string): Planted => ({
  name,
  ...one(path, source, what),
})

const DOMAIN = 'src/domain/user.ts'
const ROUTE = 'src/commands/set-limit/route.ts'
const HANDLER = 'src/commands/set-limit/handler.ts'
const GET_USER = 'src/queries/get-user/handler.ts'
const STORE = 'src/projections/user/store.ts'
const SQL = 'src/adapters/sql/user-store.ts'
const SCRIPT = 'src/projections/user/fence-1.lua'
const FENCE = '--[[\nFences.\n\nKEYS[1]  the entry    ARGV[1]  version\nResult   1\n]]\n'
const FENCE_BODY = "return redis.call('SET', KEYS[1], ARGV[1])\n"

export const PLANTED: Record<Rule, Planted[]> = {
  'known layer': [
    plainly('a file beside the layers', 'src/helpers.ts', '', 'belongs to no layer'),
    plainly('a new folder', 'src/utils/strings.ts', '', 'belongs to no layer'),
    plainly('a folder in a slice', 'src/commands/set-limit/parts/check.ts', '', 'belongs to no layer'),
    plainly('a file that no check reads', 'src/domain/old.js', '', 'belongs to no layer'),
    plainly('a script elsewhere', 'src/adapters/redis/lock-1.lua', '', 'belongs to no layer'),
    allowed('a layer’s file', 'src/strangler/proxy.ts', ''),
    allowed('a test beside it', 'src/domain/user.test.ts', ''),
    allowed('the test of a layer of one file', 'src/config.test.ts', ''),
    plainly('a test beside the layers', 'src/helpers.test.ts', '', 'belongs to no layer'),
  ],

  layers: [
    wrong('the domain knows a port', DOMAIN, "import '../ports.ts'", '../ports.ts'),
    wrong('even as a type', DOMAIN, "import type { Log } from '../ports.ts'", '../ports.ts'),
    allowed('the domain knows itself', DOMAIN, "import './limits.ts'"),
    wrong('a port knows the wire', 'src/ports.ts', "import { UserBody } from './wire/user.ts'", './wire/user.ts'),
    wrong('the wire knows a port', 'src/wire/page.ts', "import type { Log } from '../ports.ts'", '../ports.ts'),
    wrong('a command reads a projection', HANDLER, "import '../../projections/keys.ts'", '../../projections/keys.ts'),
    wrong(
      'a command names a projection’s type',
      HANDLER,
      "import type { UserViews } from '../../projections/user/views.ts'",
      '../../projections/user/views.ts',
    ),
    wrong('a command knows another', HANDLER, "import '../grant-role/handler.ts'", '../grant-role/handler.ts'),
    allowed('a command knows itself', ROUTE, "import './handler.ts'\nimport type { Role } from '../../domain/role.ts'"),
    wrong('a query knows another', GET_USER, "import '../get-role/handler.ts'", '../get-role/handler.ts'),
    wrong('a query knows a command', GET_USER, "import '../../commands/index.ts'", '../../commands/index.ts'),
    wrong('a query knows an adapter', GET_USER, "import '../../adapters/sql/time.ts'", '../../adapters/sql/time.ts'),
    allowed('a query knows a projection', GET_USER, "import '../../projections/user/views.ts'"),
    wrong('a projection knows a query', STORE, `import '../../${GET_USER.slice(4)}'`, `../../${GET_USER.slice(4)}`),
    allowed('a projection knows another', STORE, "import '../lists/lists.ts'\nimport '../../wire/user.ts'"),
    wrong('a job knows another', 'src/jobs/audit/audit.ts', "import '../rebuild/rebuild.ts'", '../rebuild/rebuild.ts'),
    wrong('a job knows the wire', 'src/jobs/audit/audit.ts', "import '../../wire/user.ts'", '../../wire/user.ts'),
    allowed('a job knows when one is due', 'src/jobs/audit/audit.ts', "import '../scheduling.ts'"),
    wrong(
      'what says when one is due knows a job',
      'src/jobs/scheduling.ts',
      "import './audit/audit.ts'",
      './audit/audit.ts',
    ),
    wrong('an adapter knows another', SQL, "import '../redis/client.ts'", '../redis/client.ts'),
    allowed('adapters know adapters/sql', 'src/adapters/sqlite/bulk-load.ts', "import '../sql/time.ts'"),
    wrong('a plugin knows a route', 'src/plugins/docs.ts', "import '../queries/index.ts'", '../queries/index.ts'),
    wrong(
      'the strangler knows a query',
      'src/strangler/proxy.ts',
      "import '../queries/index.ts'",
      '../queries/index.ts',
    ),
    wrong(
      'an adapter route knows another',
      'src/legacy/get-user/route.ts',
      "import '../change-user/route.ts'",
      '../change-user/route.ts',
    ),
    wrong(
      'an adapter route knows the strangler',
      'src/legacy/get-user/route.ts',
      "import type { Route } from '../../strangler/route.ts'",
      '../../strangler/route.ts',
    ),
    allowed(
      'an adapter route knows queries and commands',
      'src/legacy/get-user/route.ts',
      `import '../../${GET_USER.slice(4)}'\nimport '../../${HANDLER.slice(4)}'`,
    ),
    wrong(
      'the list of adapter routes knows a query',
      'src/legacy/index.ts',
      `import '../${GET_USER.slice(4)}'`,
      `../${GET_USER.slice(4)}`,
    ),
    allowed(
      'the list of adapter routes names a port',
      'src/legacy/index.ts',
      "import type { LegacyRoute } from '../ports/strangler.ts'\nimport './get-user/route.ts'",
    ),
    wrong(
      'a list knows a handler’s port',
      'src/commands/index.ts',
      "import type { Log } from '../ports.ts'",
      '../ports.ts',
    ),
    wrong(
      'what guards the stores knows one',
      'src/commands/guarded-writes.ts',
      `import '../${SQL.slice(4)}'`,
      `../${SQL.slice(4)}`,
    ),
    wrong(
      'what guards the stores knows a command',
      'src/commands/guarded-writes.ts',
      "import './set-limit/handler.ts'",
      './set-limit/handler.ts',
    ),
    wrong('a command knows what guards the stores', HANDLER, "import '../guarded-writes.ts'", '../guarded-writes.ts'),
    allowed(
      'the list of commands gives it on',
      'src/commands/index.ts',
      "export { guarded } from './guarded-writes.ts'",
    ),
    wrong('a list knows a port', 'src/queries/index.ts', "import type { Log } from '../ports.ts'", '../ports.ts'),
    allowed('a list knows its slices', 'src/queries/index.ts', "import './get-user/route.ts'"),
    wrong(
      'a list knows the other’s slices',
      'src/queries/index.ts',
      `import '../${ROUTE.slice(4)}'`,
      `../${ROUTE.slice(4)}`,
    ),
    wrong('the application wires itself', 'src/app.ts', "import './wiring.ts'", './wiring.ts'),
    wrong('wiring knows the application', 'src/wiring.ts', "import type { AppDeps } from './app.ts'", './app.ts'),
    wrong('wiring reads the settings', 'src/wiring.ts', "import { readConfig } from './config.ts'", './config.ts'),
    wrong(
      'an inline type loads the module',
      'src/wiring.ts',
      "import { type Config } from './config.ts'",
      './config.ts',
    ),
    allowed('wiring knows the settings’ type', 'src/wiring.ts', "import type { Config } from './config.ts'"),
    wrong('the settings know a port', 'src/config.ts', "import type { Log } from './ports.ts'", './ports.ts'),
    wrong(
      'the command line wires',
      'src/cli/all.ts',
      "import '../adapters/redis/client.ts'",
      '../adapters/redis/client.ts',
    ),
    wrong('the command line runs a port', 'src/cli/all.ts', "import { MAX } from '../ports.ts'", '../ports.ts'),
    allowed('the command line names a port', 'src/cli/all.ts', "import type { Log } from '../ports.ts'"),
    wrong('a worker projects', 'workers/relay.ts', "import '../src/projections/keys.ts'", '../src/projections/keys.ts'),
    allowed('a worker starts what is wired', 'workers/relay.ts', "import '../src/wiring.ts'\nimport './project.ts'"),
    wrong('the command line reads settings', 'src/command-line.ts', "import './config.ts'", './config.ts'),
    wrong('main wires', 'src/main.ts', "import './ports.ts'", './ports.ts'),
    wrong(
      'code uses a test’s parts',
      STORE,
      "import '../../../test/support/redis.ts'",
      '../../../test/support/redis.ts',
    ),
    wrong('code uses a test', STORE, "import './store.test.ts'", './store.test.ts'),
    allowed('a test uses what it likes', 'src/domain/user.test.ts', "import '../adapters/redis/client.ts'"),
    wrong('exported from elsewhere', DOMAIN, "\nexport { a } from '../app.ts'", '../app.ts', 2),
    wrong('all exported from elsewhere', DOMAIN, "export * from '../app.ts'", '../app.ts'),
    wrong('a type exported from elsewhere', DOMAIN, "export type { A } from '../app.ts'", '../app.ts'),
    wrong('imported inside a type', DOMAIN, "type A = import('../app.ts').A", '../app.ts'),
    wrong('imported late', DOMAIN, "const app = await import('../app.ts')", '../app.ts'),
    wrong('imported late, from a template', DOMAIN, 'const app = await import(`../app.ts`)', '../app.ts'),
    wrong('required', DOMAIN, "import app = require('../app.ts')", '../app.ts'),
    wrong('resolved', DOMAIN, "import.meta.resolve('../app.ts')", '../app.ts'),
    wrong(
      'a worker by its file',
      DOMAIN,
      "const thread = new Worker(new URL('../app.ts', import.meta.url))",
      '../app.ts',
    ),
    wrong('a module’s URL', DOMAIN, "fork(fileURLToPath(new URL('../app.ts', import.meta.url)))", '../app.ts'),
    allowed(
      'spoken of',
      DOMAIN,
      "// import '../app.ts'\n/* import '../app.ts' */\nconst text = \"import '../app.ts'\" + `import('../app.ts')`\nconst or = /'/ // '",
    ),
  ],

  packages: [
    wrong('a package in the domain', DOMAIN, "import { z } from 'zod'", 'zod'),
    wrong('even as a type', DOMAIN, "import type { z } from 'zod'", 'zod'),
    wrong('Node in the domain', DOMAIN, "import { createHash } from 'node:crypto'", 'node:crypto'),
    wrong('Node by its old name', DOMAIN, "import 'fs/promises'", 'fs/promises'),
    wrong('Node by the back door', DOMAIN, "process.getBuiltinModule('node:fs')", 'node:fs'),
    wrong('Fastify in a handler', HANDLER, "import type { FastifyInstance } from 'fastify'", 'fastify'),
    wrong('Fastify in a port', 'src/ports.ts', "import type { FastifyInstance } from 'fastify'", 'fastify'),
    wrong('a route makes a server', ROUTE, "import Fastify from 'fastify'", 'fastify'),
    allowed('a route', ROUTE, "import type { FastifyInstance } from 'fastify'\nimport { z } from 'zod'"),
    allowed('the application', 'src/app.ts', "import Fastify from 'fastify'"),
    wrong('a driver in a projection', STORE, "import { Redis } from 'ioredis'", 'ioredis'),
    wrong('a driver’s inner file', STORE, "import { Redis } from 'ioredis/built/Redis.js'", 'ioredis/built/Redis.js'),
    wrong('a driver in the wrong adapter', SQL, "import { DatabaseSync } from 'node:sqlite'", 'node:sqlite'),
    wrong('a driver in wiring', 'src/wiring.ts', "import { Redis } from 'ioredis'", 'ioredis'),
    allowed(
      'a driver in its adapter',
      'src/adapters/sqlite/connection.ts',
      "import { DatabaseSync } from 'node:sqlite'",
    ),
    wrong('a projection reads files', STORE, "import { readFileSync } from 'node:fs'", 'node:fs'),
    wrong('a query starts a process', GET_USER, "import { spawn } from 'node:child_process'", 'node:child_process'),
    wrong('a job opens a socket', 'src/jobs/audit/audit.ts', "import { connect } from 'node:net'", 'node:net'),
    wrong('a plugin opens a socket', 'src/plugins/docs.ts', "import { connect } from 'node:net'", 'node:net'),
    allowed('a plugin names a socket', 'src/plugins/docs.ts', "import type { Socket } from 'node:net'"),
    wrong('a command starts a thread', ROUTE, "import { Worker } from 'node:worker_threads'", 'node:worker_threads'),
    allowed('a scoped package', 'src/plugins/docs.ts', "import swagger from '@fastify/swagger'"),
    wrong('another scoped package', 'src/plugins/docs.ts', "import cors from '@fastify/cors'", '@fastify/cors'),
    wrong('signatures in a plugin', 'src/plugins/authentication.ts', "import { jwtVerify } from 'jose'", 'jose'),
    wrong('even their types', 'src/wiring-access.ts', "import type { JWTPayload } from 'jose'", 'jose'),
    allowed(
      'signatures where they are checked',
      'src/adapters/jose/token-verifier.ts',
      "import { jwtVerify } from 'jose'",
    ),
    wrong(
      'a counter of another adapter',
      'src/adapters/redis/client.ts',
      "import { RateLimiterRedis } from 'rate-limiter-flexible'",
      'rate-limiter-flexible',
    ),
    wrong('what only tests have', STORE, "import fc from 'fast-check'", 'fast-check'),
  ],

  followable: [
    plainly('a computed import', DOMAIN, 'await import(name)', 'line 1'),
    plainly('a computed template', DOMAIN, 'await import(`../${name}.ts`)', 'line 1'),
    plainly('a worker by a path', DOMAIN, "new Worker('src/app.ts')", 'line 1'),
    plainly('a worker by a computed URL', DOMAIN, 'new Worker(new URL(`./${name}.ts`, import.meta.url))', 'line 1'),
    plainly('a script by a computed name', STORE, 'lua(import.meta.url, name)', 'line 1: a script'),
    plainly('a script from a computed folder', STORE, "lua(folder, 'fence-1')", 'line 1: a script'),
    allowed('a file that is its own worker', DOMAIN, 'new Worker(new URL(import.meta.url))'),
    allowed('a worker by its URL', DOMAIN, "new Worker(new URL('./limits.ts', import.meta.url), { name: 'x' })"),
    allowed('a data file', DOMAIN, 'readFileSync(new URL(`../../db/${file}`, import.meta.url))'),
  ],

  environment: [
    plainly('a variable', 'src/cli/all.ts', "const path = process.env.PATH ?? ''", 'line 1'),
    plainly('by index', 'src/cli/all.ts', "const path = process['env'].PATH", 'line 1'),
    plainly('taken apart', 'src/wiring.ts', '\nconst { env } = process', 'line 2'),
    plainly('handed on', 'src/wiring.ts', 'readAll(process)', 'line 1'),
    plainly('by the global object', 'src/wiring.ts', 'globalThis.process.env.PATH', 'line 1'),
    plainly('from a file', 'src/main.ts', 'process.loadEnvFile()', 'line 1'),
    plainly('in a worker', 'workers/relay.ts', 'const { PATH } = process.env', 'line 1'),
    allowed('where it is allowed', 'src/config.ts', 'export const path = process.env.PATH'),
    allowed('in a test', 'src/wiring.test.ts', 'const level = process.env.TEST_LOG'),
    allowed(
      'of the process, something else',
      'src/main.ts',
      "process.exitCode = 1\nstates.process = { process: 'env' }",
    ),
    allowed('spoken of', 'src/main.ts', "// process.env\nconst text = 'process.env'"),
  ],

  pure: [
    wrong('the clock in the domain', DOMAIN, 'const at = new Date()', 'new Date()'),
    wrong('the clock as a number', DOMAIN, 'const at = Date.now()', 'Date.now'),
    wrong('chance in a decision', HANDLER, 'const id = Math.random()', 'Math.random'),
    wrong('the network in a query', GET_USER, "await fetch('http://branches')", 'fetch'),
    wrong('a timer in a command', HANDLER, 'setTimeout(save, 10)', 'setTimeout'),
    wrong('the environment in the domain', DOMAIN, 'const { pid } = process', 'process'),
    allowed(
      'times and chance as values',
      HANDLER,
      'decide(user, deps.now(), deps.crypto, new Date(at), Math.max(1, 2))',
    ),
    allowed('elsewhere', 'src/wiring.ts', 'const now = () => new Date()'),
  ],

  'one SQLite': [
    wrong('its name in a projection', STORE, "const name = 'SQLite'", 'SQLite'),
    wrong('its name in an identifier', 'src/cli/all.ts', 'openSqlite(path)', 'openSqlite'),
    wrong('its settings in shared SQL', SQL, "execute('PRAGMA user_version')", 'PRAGMA user_version'),
    wrong('its row ids', SQL, '`SELECT rowid FROM ${table}`', 'SELECT rowid FROM '),
    wrong('its row ids behind a substitution', SQL, '`SELECT ${columns}, rowid FROM users`', ', rowid FROM users'),
    wrong(
      'its keys',
      'src/jobs/import/rows.ts',
      "const key = 'INTEGER PRIMARY KEY AUTOINCREMENT'",
      'INTEGER PRIMARY KEY AUTOINCREMENT',
    ),
    wrong('its functions', SQL, 'query("SELECT strftime(\'%s\')")', "SELECT strftime('%s')"),
    wrong(
      'more than a dialect’s name in a port',
      'src/ports.ts',
      'type Options = { sqlitePath: string }',
      'sqlitePath',
    ),
    allowed('a dialect’s name in a port', 'src/ports.ts', "type Dialect = { name: 'sqlite' | 'informix' }"),
    allowed('its adapter', 'src/adapters/sqlite/database.ts', "db.exec('PRAGMA foreign_keys = ON')"),
    allowed('wiring of databases', 'src/wiring-database.ts', 'openSqlite(path)'),
    allowed('a comment that says why', SQL, '// SQLite has no DECIMAL.'),
    allowed('a test', 'src/adapters/sql/user-store.component.test.ts', 'openSqlite(path)'),
  ],

  'shared SQL': [
    wrong('a limit clause', SQL, "query('SELECT id FROM users LIMIT 5')", 'SELECT id FROM users LIMIT 5'),
    wrong('an offset', SQL, 'query(`SELECT id FROM users OFFSET ${n}`)', 'SELECT id FROM users OFFSET '),
    wrong('what was written', SQL, "query('DELETE FROM users RETURNING id')", 'DELETE FROM users RETURNING id'),
    wrong(
      'an upsert',
      SQL,
      "execute('INSERT OR IGNORE INTO roles VALUES (?)')",
      'INSERT OR IGNORE INTO roles VALUES (?)',
    ),
    wrong('the other upsert', SQL, "run('… ON CONFLICT DO NOTHING')", '… ON CONFLICT DO NOTHING'),
    wrong(
      'several rows',
      SQL,
      "run('INSERT INTO roles VALUES (?, ?), (?, ?)')",
      'INSERT INTO roles VALUES (?, ?), (?, ?)',
    ),
    wrong('the time', SQL, "run('UPDATE users SET at = CURRENT_TIMESTAMP')", 'UPDATE users SET at = CURRENT_TIMESTAMP'),
    allowed('what both know', SQL, "run('INSERT INTO roles (role, title) VALUES (?, ?)', MAX_LIMIT)"),
    allowed('Redis’s own', 'src/adapters/redis/client.ts', "zrangebyscore(key, '-inf', '+inf', 'LIMIT', 0, 1)"),
    allowed('English', SQL, "throw new Error('a limit while returning rows')"),
  ],

  'script name': [
    plainly(
      'no number of keys',
      'src/projections/user/fence.lua',
      FENCE + FENCE_BODY,
      'is not named <verb>-<number of KEYS, or n>.lua',
    ),
    plainly('capitals', 'src/projections/user/doFence-1.lua', '', 'is not named <verb>-<number of KEYS, or n>.lua'),
    allowed('a verb and a number', SCRIPT, FENCE + FENCE_BODY),
    allowed('any number', 'src/projections/user/set-if-n.lua', FENCE + FENCE_BODY),
  ],

  'script header': [
    plainly('none', SCRIPT, FENCE_BODY, 'does not begin with a --[[ … ]] block'),
    plainly('below the code', SCRIPT, FENCE_BODY + FENCE, 'does not begin with a --[[ … ]] block'),
    plainly('no keys', SCRIPT, `--[[\nARGV[1]  x\nResult   1\n]]\n${FENCE_BODY}`, 'KEYS are not explained'),
    plainly('no result', SCRIPT, FENCE.replace('Result   1\n', '') + FENCE_BODY, 'Result is not explained'),
    plainly(
      'a result without a word',
      SCRIPT,
      FENCE.replace('Result   1', 'Result') + FENCE_BODY,
      'Result is not explained',
    ),
    plainly(
      'an argument too many',
      SCRIPT,
      `${FENCE}return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n`,
      'ARGV[2] is not both explained and used',
    ),
    plainly(
      'an argument that is gone',
      SCRIPT,
      `${FENCE}return redis.call('GET', KEYS[1]) -- ARGV[1]\n`,
      'ARGV[1] is not both explained and used',
    ),
    allowed('whole', SCRIPT, FENCE + FENCE_BODY),
    allowed('below flags', SCRIPT, `#!lua flags=allow-oom\n${FENCE}${FENCE_BODY}`),
    allowed('no arguments', SCRIPT, "--[[\nKEYS[1]  x\nResult   1\n]]\nreturn redis.call('GET', KEYS[1])\n"),
  ],

  'script keys': [
    plainly(
      'a key too many',
      SCRIPT,
      `${FENCE}return redis.call('SET', KEYS[2], ARGV[1], KEYS[1])\n`,
      'KEYS[2] is not both explained and used',
    ),
    plainly(
      'a key too few',
      'src/projections/user/fence-2.lua',
      `${FENCE.replace('    ARGV', '  KEYS[2]  dirty    ARGV')}${FENCE_BODY}`,
      'KEYS[2] is not both explained and used',
    ),
    {
      name: 'keys by a loop in a script of one',
      files: { [SCRIPT]: `${FENCE}for i = 1, #KEYS do redis.call('SET', KEYS[i], ARGV[1]) end return KEYS[1]\n` },
      faults: [`${SCRIPT}: takes 1 KEYS by its name, but reads computed ones`],
    },
    {
      name: 'any number by its name, one by its code',
      files: { 'src/projections/user/fence-n.lua': `${FENCE.replace('KEYS[1]', 'KEYS[1…]')}${FENCE_BODY}` },
      faults: [
        'src/projections/user/fence-n.lua: takes n KEYS, but uses a fixed number',
        'src/projections/user/fence-n.lua: KEYS[1] is not both explained and used',
      ],
    },
    plainly(
      'a key of its own making',
      SCRIPT,
      `${FENCE}redis.call('DEL', 'usr:' .. ARGV[1])\n${FENCE_BODY}`,
      "a key that is not one of KEYS: redis.call('DEL', 'usr:'",
    ),
    allowed('as many as it says', SCRIPT, FENCE + FENCE_BODY),
    allowed(
      'any number',
      'src/projections/user/read-n.lua',
      "--[[\nKEYS[1…]  x\nResult   y\n]]\nlocal n = #KEYS\nreturn redis.call('GET', KEYS[n])\n",
    ),
  ],

  'script used': [
    plainly('by nobody', SCRIPT, FENCE + FENCE_BODY, 'no module loads it'),
    {
      name: 'by a test only',
      files: { [SCRIPT]: '', 'src/projections/user/store.component.test.ts': "lua(import.meta.url, 'fence-1')" },
      faults: [`${SCRIPT}: no module loads it`],
    },
    {
      name: 'from the wrong folder',
      files: { [SCRIPT]: '', 'src/projections/roles/store.ts': "lua(import.meta.url, 'fence-1')" },
      faults: ['src/projections/roles/store.ts: line 1: there is no ./fence-1.lua', `${SCRIPT}: no module loads it`],
    },
    {
      name: 'from its folder, and from a neighbour',
      files: {
        [SCRIPT]: '',
        [STORE]:
          "const FENCE = lua(import.meta.url, 'fence-1')\nlua(new URL('../roles/', import.meta.url).href, 'do-1')",
        'src/projections/roles/do-1.lua': '',
      },
      faults: [],
    },
  ],

  'slice listed': [
    {
      name: 'a command that is not listed',
      files: { 'src/commands/index.ts': "import '../queries/set-limit/route.ts'", [ROUTE]: '' },
      faults: ['src/commands/set-limit: src/commands/index.ts does not import its route.ts'],
    },
    {
      name: 'a query without a route',
      files: { 'src/queries/index.ts': "import './get-user/handler.ts'", [GET_USER]: '' },
      faults: ['src/queries/get-user: src/queries/index.ts does not import its route.ts'],
    },
    {
      name: 'an adapter route that is not listed',
      files: { 'src/legacy/index.ts': "import './change-user/route.ts'", 'src/legacy/get-user/route.ts': '' },
      faults: ['src/legacy/get-user: src/legacy/index.ts does not import its route.ts'],
    },
    {
      name: 'a list that is missing',
      files: { [GET_USER]: '' },
      faults: ['src/queries/get-user: src/queries/index.ts does not import its route.ts'],
    },
    {
      name: 'a slice that is listed',
      files: { 'src/commands/index.ts': "import { a } from './set-limit/route.ts'", [ROUTE]: '', [HANDLER]: '' },
      faults: [],
    },
  ],

  'file length': [
    plainly('201 lines', DOMAIN, '// a line\n'.repeat(201), '201 lines'),
    allowed('200 lines', DOMAIN, '// a line\n'.repeat(200)),
    allowed('a longer test', 'src/domain/user.test.ts', '// a line\n'.repeat(300)),
  ],

  'function length': [
    wrong('71 lines', DOMAIN, `\nfunction decide() {${'\n'.repeat(70)}}`, '71 lines', 2),
    wrong('an arrow', DOMAIN, `const decide = () => {${'\n'.repeat(70)}}`, '71 lines'),
    wrong('a method', DOMAIN, `class Store { save() {${'\n'.repeat(70)}} }`, '71 lines'),
    allowed('70 lines', DOMAIN, `/** What\n * it does. */\nfunction decide() {${'\n'.repeat(69)}}`),
    allowed('a longer test', 'src/domain/user.test.ts', `test('x', () => {${'\n'.repeat(100)}})`),
  ],

  'named exports': [
    plainly('a value', DOMAIN, 'export default 1', 'line 1'),
    plainly('a function', DOMAIN, '\nexport default function decide() {}', 'line 2'),
    plainly('a name', DOMAIN, 'const a = 1\nexport { a as default }', 'line 2'),
    plainly('in a test', 'src/domain/user.test.ts', 'export default {}', 'line 1'),
    allowed('named', DOMAIN, 'export const a = 1\nexport { b } from "./limits.ts"\nswitch (a) { default: }'),
    allowed('a package’s default', 'src/app.ts', "import Fastify from 'fastify'"),
    allowed('what another’s package exports', 'src/adapters/redis/slot.d.ts', "declare module 'slot' { export = 1 }"),
  ],

  endings: [
    wrong('none', DOMAIN, "import './limits'", './limits'),
    wrong('what it would compile to', DOMAIN, "import type { A } from './limits.js'", './limits.js'),
    wrong('a folder', 'src/app.ts', "import './queries'", './queries'),
    wrong('from the root', DOMAIN, "import '/src/domain/limits.ts'", '/src/domain/limits.ts'),
    wrong('by an alias', DOMAIN, "import '#domain/limits.ts'", '#domain/limits.ts'),
    wrong('in a test', 'src/domain/user.test.ts', "import './user'", './user'),
    allowed('.ts', DOMAIN, "import './limits.ts'\nexport * from '../domain/names.ts'"),
    allowed('a package', 'src/app.ts', "import Fastify from 'fastify'"),
  ],
}
