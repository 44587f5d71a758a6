import { z } from 'zod'
import { MAX_PERMISSIONS_PER_ROLE, type Role } from '../domain/role.ts'
import { PermissionName, RoleName, RoleTitle, Version } from './fields.ts'

export const RolePermissionBody = z
  .strictObject({ permission: PermissionName, effect: z.enum(['allow', 'approve']) })
  .meta({ id: 'RolePermission', description: '`approve`: allowed with a manager’s approval.' })

export const RoleDefinition = z
  .strictObject({
    title: RoleTitle,
    privileged: z.boolean().meta({ description: 'Granted with special care.', examples: [false] }),
    permissions: z.array(RolePermissionBody).max(MAX_PERMISSIONS_PER_ROLE),
  })
  .meta({
    id: 'RoleDefinition',
    examples: [
      { title: 'Cashier', privileged: false, permissions: [{ permission: 'receipt.void', effect: 'approve' }] },
    ],
  })

export const RoleBody = z
  .object({
    role: RoleName,
    title: z.string(),
    privileged: z.boolean(),
    permissions: z.array(z.object({ permission: z.string(), effect: z.enum(['allow', 'approve']) })),
  })
  .meta({ id: 'Role' })

export const CatalogueBody = z
  .object({ version: Version, roles: z.array(RoleBody) })
  .meta({ id: 'RoleCatalogue', description: 'All roles at one version.' })

export function roleBody({ role, title, privileged, permissions }: Role): z.infer<typeof RoleBody> {
  return { role, title, privileged, permissions }
}
