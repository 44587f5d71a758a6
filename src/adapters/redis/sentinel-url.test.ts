import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../../config.ts'
import { isSentinel, parseSentinelUrl } from './sentinel-url.ts'

const one = { host: 's1', port: 26_379 }
const GOOD: [url: string, expected: ReturnType<typeof parseSentinelUrl>][] = [
  ['redis-sentinel://s1/users', { sentinels: [one], name: 'users', redis: {}, sentinel: {} }],
  [
    'redis-sentinel://me:p%40ss%3A%2F@s1,[::1]:7000,s.example:1/my.users-1',
    {
      sentinels: [one, { host: '::1', port: 7_000 }, { host: 's.example', port: 1 }],
      name: 'my.users-1',
      redis: { username: 'me', password: 'p@ss:/' },
      sentinel: {},
    },
  ],
  [
    'rediss-sentinel://:p@s1:26379/users?sentinelPassword=a+b%26%3D=&sentinelUsername=watcher',
    {
      sentinels: [one],
      name: 'users',
      redis: { password: 'p', tls: {} },
      sentinel: { username: 'watcher', password: 'a+b&==', tls: {} },
    },
  ],
]
for (const [url, expected] of GOOD) {
  test(`${url} is understood`, () => {
    assert.ok(isSentinel(url))
    assert.deepEqual(parseSentinelUrl(url), expected)
    for (const name of ['REDIS_URL', 'JOBS_REDIS_URL']) assert.doesNotThrow(() => readConfig({ [name]: url }))
  })
}

const WRONG: [url: string, fault: RegExp][] = [
  ['redis-sentinel://s1:26379', /the name of the master is missing/],
  ['redis-sentinel://me:opensesame@s1:26379', /the name of the master is missing/],
  ['redis-sentinel://s1:26379/', /the name of a master has letters/],
  ['redis-sentinel://s1:26379/users/1', /host:port of each Sentinel/],
  ['redis-sentinel://s1,/users', /host:port of each Sentinel/],
  ['redis-sentinel://s1:0/users', /host:port of each Sentinel/],
  ['redis-sentinel://s1:65536/users', /host:port of each Sentinel/],
  ['redis-sentinel://s1;s2/users', /host:port of each Sentinel/],
  ['redis-sentinel://me:open%sesame@s1/users', /user and password are written with %/],
  ['redis-sentinel://s1/users?db=1', /after \? only sentinelUsername and sentinelPassword/],
  ['redis-sentinel://s1/users?sentinelPassword=opensesame?', /after \? only/],
  ['redis-sentinel://s1/users?sentinelPassword=open%sesame', /sentinelPassword are written with %/],
  ['redis+sentinel://s1/users', /redis-sentinel:\/\/host:port,host:port\/name/],
]
for (const [url, fault] of WRONG) {
  test(`${url} is refused, and not shown: ${fault.source}`, () => {
    for (const name of ['REDIS_URL', 'JOBS_REDIS_URL']) {
      assert.throws(
        () => readConfig({ [name]: url }),
        ({ message }: Error) => fault.test(message) && message.includes(name) && !message.includes('sesame'),
      )
    }
  })
}

test('others are no Sentinels', () => {
  for (const url of ['redis://s1/users', 'rediss-cluster://s1', 'redis://sentinel:26379']) assert.ok(!isSentinel(url))
})
