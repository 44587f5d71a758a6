import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isCluster, parseClusterUrl } from './cluster-url.ts'

const URLS: { url: string; nodes: [string, number][]; options: object }[] = [
  {
    url: 'redis-cluster://a:7000,b:7001',
    nodes: [
      ['a', 7000],
      ['b', 7001],
    ],
    options: {},
  },
  { url: 'redis-cluster://a', nodes: [['a', 6379]], options: {} },
  {
    url: 'redis-cluster://:secret@a:1,b:2',
    nodes: [
      ['a', 1],
      ['b', 2],
    ],
    options: { password: 'secret' },
  },
  { url: 'redis-cluster://me:p%40ss%3A@a:1', nodes: [['a', 1]], options: { username: 'me', password: 'p@ss:' } },
  { url: 'rediss-cluster://a:1', nodes: [['a', 1]], options: { tls: {} } },
  { url: 'redis-cluster://[::1]:7000', nodes: [['::1', 7000]], options: {} },
]
for (const { url, nodes, options } of URLS) {
  test(`${url} names ${nodes.length} server(s)`, () => {
    const expected = nodes.map(([host, port]) => ({ host, port }))
    assert.deepEqual(parseClusterUrl(url), { nodes: expected, options })
    assert.equal(isCluster(url), true)
  })
}

test('one server is no cluster', () => {
  for (const url of ['redis://a:1', 'rediss://a:1']) assert.equal(isCluster(url), false)
})
