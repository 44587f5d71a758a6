declare namespace NodeJS {
  interface Process {
    /** Node's own, of which nothing is documented. */
    _fatalException?: unknown
  }
}
