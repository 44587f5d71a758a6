/**
 * Loaded into a process before its own code: each SIGWINCH makes every turn of its event loop as long as the next of
 * BUSY_TURNS_MS says, as too much work would; 0 is none.
 */
const turns = (process.env.BUSY_TURNS_MS ?? '').split(',').map(Number)
let turnMs = 0
let busy = false

const turn = (): void => {
  busy = turnMs > 0
  if (!busy) return
  const until = performance.now() + turnMs
  while (performance.now() < until);
  setImmediate(turn)
}

process.on('SIGWINCH', () => {
  turnMs = turns.shift() ?? 0
  if (!busy) turn()
})
