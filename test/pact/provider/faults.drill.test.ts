// As faults.contract.test.ts, in other ways.
import { breaks, type Planted } from './breaks.ts'

const PLANTED: Planted[] = [
  {
    what: 'a user of a list has the number of another',
    fault: {
      file: 'src/wire/user.ts',
      from: 'return { userId: id, ...shown, version }',
      to: 'return { userId: id + 1, ...shown, version }',
    },
    consumer: 'hr-feed',
    broken: ['a question for users by numbers', ': the answer is about '],
    whole: 'a command to terminate a user',
  },
  {
    what: 'a user has the username of another',
    fault: {
      file: 'src/wire/user.ts',
      from: 'return { userId: id, ...shown, version }',
      to: "return { userId: id, ...shown, username: 'somebody.else', version }",
    },
    consumer: 'point-of-sale-terminal',
    broken: ['a question for a user by number', 'a question for a user by name', ': the answer is about somebody.else'],
    whole: 'a question for what a cashier may',
  },
  {
    what: 'a command is answered with the number of another',
    fault: {
      file: 'src/commands/set-limit/route.ts',
      from: '{ userId: params.userId, version }',
      to: '{ userId: params.userId + 1, version }',
    },
    consumer: 'admin-console',
    broken: ['a command to set a limit', '/limits/refund-amount: the answer is about '],
    whole: 'a command to set a preference',
  },
  {
    what: 'an event’s subject is another',
    fault: {
      file: 'src/adapters/log-feed/cloud-events.ts',
      from: "'users' : 'roles'}",
      to: "'users/7777' : 'roles'}",
    },
    consumer: 'hr-feed',
    broken: ['users-service.role-granted.v1: the message is about 7777/'],
    whole: 'a message that a user has changed: change',
  },
  {
    what: 'a change has the key of another',
    fault: { file: 'src/adapters/log-feed/messages.ts', from: 'return { key: entityId,', to: "return { key: '7777'," },
    consumer: 'hr-feed',
    broken: ['a message that a user has changed: change: the message is about 7777'],
    whole: 'users-service.user-terminated.v1',
  },
  {
    what: 'events go to another topic',
    fault: { file: 'src/config-feed.ts', from: "default('users.events')", to: "default('users.happenings')" },
    consumer: 'hr-feed',
    broken: ['users-service.user-terminated.v1', 'users-service.role-granted.v1', 'users.happenings'],
    whole: 'a message that a user has changed: change',
  },
  {
    what: 'changes go to another topic',
    fault: { file: 'src/config-feed.ts', from: "default('users.changes')", to: "default('users.news')" },
    consumer: 'hr-feed',
    broken: ['a message that a user has changed: change', 'a message how far changes are complete: mark', 'users.news'],
    whole: 'users-service.user-terminated.v1',
  },
]
for (const planted of PLANTED) breaks(planted)
