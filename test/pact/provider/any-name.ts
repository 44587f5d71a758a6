/** Whatever is looked up in it is there: consumers name what they like, and a broker brings what nobody here has seen. */
export function forAnyName<Value>(made: (name: string) => Value): Record<string, Value> {
  // JSON.stringify, by which the verifier logs what it is given, would take an answer for a method.
  const isName = (name: string | symbol) => typeof name === 'string' && name !== 'toJSON'
  return new Proxy({}, { get: (_, name) => (isName(name) ? made(String(name)) : undefined) })
}
