import type { ContestantName } from './contestants.ts'

/** What each contestant's figure can hardly be better than, as profiles show. */
export const OPPONENT_LIMITS: Record<ContestantName, string> = {
  bare: 'parsing the request and writing to the socket, both in `node:http`',
  'ours-redis':
    'the same, and the way to Redis: its reply is parsed, then the answer is handed through; in Redis, the script',
  'ours-near': 'the same as the bare server; the answer itself is one look into a map',
  'echo-goredis':
    'system calls for each request and for each pipeline to Redis, and the wake-ups of goroutines between them',
  'echo-rueidis': 'system calls for each request; what is cached in the process costs a look into it',
  'django-orm': 'Python: a few statements and the serializer for each request',
  'django-redis': 'Python: the framework around each request; Redis is a small part of it',
}
