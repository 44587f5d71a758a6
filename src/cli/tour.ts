/** What a newcomer sees when everything runs: where it is, and five lines to paste. */
export function tour(address: string): string {
  const json = "-H 'content-type: application/json'"
  return `
users-service is at ${address}, its documentation at ${address}/docs

  # who is user 1?
  curl -i ${address}/v1/users/1
  # may they void a receipt at branch B001, and why?
  curl '${address}/v1/users/1/permissions/receipt.void?branchId=B001'
  # where do they work, and for whom? From other services, each guarded (here they are made up)
  curl ${address}/v1/users/1/profile
  # change something …
  curl -X PATCH ${address}/v1/users/1 ${json} -d '{"jobTitle":"Branch manager"}'
  # … and see it at once
  curl ${address}/v1/users/1

Ctrl-C ends it.
`
}
