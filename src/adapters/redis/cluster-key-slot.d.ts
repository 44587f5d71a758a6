declare module 'cluster-key-slot' {
  /** The slot, 0 … 16383, of a key (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/). */
  function slotOf(key: string): number
  export = slotOf
}
