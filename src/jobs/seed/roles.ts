import type { Effect, Role, RolePermission } from '../../domain/role.ts'

type Allowed = Record<string, Effect>

const SELL: Allowed = {
  'receipt.create': 'allow',
  'receipt.print': 'allow',
  'receipt.void': 'approve',
  'receipt.park': 'allow',
}
const TILL: Allowed = {
  'drawer.open': 'approve',
  'drawer.count': 'allow',
  'drawer.drop': 'allow',
  'shift.open': 'allow',
}
const RETURNS: Allowed = { 'refund.create': 'approve', 'refund.no-receipt': 'approve', 'exchange.create': 'allow' }
const PRICES: Allowed = { 'price.override': 'approve', 'discount.line': 'allow', 'discount.receipt': 'approve' }
const STOCK: Allowed = {
  'stock.view': 'allow',
  'stock.count': 'allow',
  'stock.adjust': 'approve',
  'stock.transfer': 'approve',
}
const ORDERS: Allowed = { 'order.create': 'allow', 'order.receive': 'allow', 'order.cancel': 'approve' }
const CUSTOMERS: Allowed = {
  'customer.view': 'allow',
  'customer.edit': 'allow',
  'credit.override': 'approve',
  'voucher.issue': 'approve',
}
const PEOPLE: Allowed = { 'user.view': 'allow', 'user.schedule': 'allow', 'user.manage': 'approve' }
const REPORTS: Allowed = { 'report.sales': 'allow', 'report.stock': 'allow', 'report.audit': 'approve' }
const DEVICES: Allowed = { 'terminal.restart': 'allow', 'terminal.configure': 'approve', 'scale.calibrate': 'approve' }

const all = (...parts: Allowed[]): Allowed =>
  Object.fromEntries(parts.flatMap(Object.keys).map((permission) => [permission, 'allow']))

const ROLES: [role: string, title: string, privileged: boolean, permissions: Allowed][] = [
  ['area-manager', 'Area manager', true, all(SELL, TILL, RETURNS, PRICES, STOCK, ORDERS, CUSTOMERS, PEOPLE, REPORTS)],
  ['auditor', 'Auditor', true, all(REPORTS, { 'receipt.view': 'allow', 'drawer.count': 'allow' })],
  ['baker', 'Baker', false, { ...STOCK, 'batch.create': 'allow' }],
  ['branch-manager', 'Branch manager', true, all(SELL, TILL, RETURNS, PRICES, STOCK, ORDERS, CUSTOMERS, REPORTS)],
  ['butcher', 'Butcher', false, { ...STOCK, 'scale.use': 'allow' }],
  ['cash-office', 'Cash office', false, { ...all(TILL), 'report.sales': 'allow', 'safe.open': 'approve' }],
  ['cashier', 'Cashier', false, { ...SELL, ...TILL, 'refund.create': 'approve', 'discount.line': 'allow' }],
  ['click-and-collect', 'Click and collect', false, { ...ORDERS, 'receipt.create': 'allow' }],
  ['customer-service', 'Customer service', false, { ...SELL, ...RETURNS, ...CUSTOMERS }],
  ['fuel-attendant', 'Fuel attendant', false, { ...SELL, 'pump.authorise': 'allow', 'pump.stop': 'allow' }],
  ['goods-in', 'Goods in', false, { ...ORDERS, ...STOCK }],
  ['hr-clerk', 'HR clerk', true, all(PEOPLE)],
  ['key-holder', 'Key holder', false, { 'branch.open': 'allow', 'branch.close': 'allow', 'alarm.disarm': 'approve' }],
  ['loss-prevention', 'Loss prevention', false, { ...REPORTS, 'receipt.view': 'allow', 'cctv.view': 'approve' }],
  [
    'pharmacist',
    'Pharmacist',
    false,
    { ...SELL, 'prescription.dispense': 'allow', 'prescription.override': 'approve' },
  ],
  ['pharmacy-assistant', 'Pharmacy assistant', false, { ...SELL, 'prescription.dispense': 'approve' }],
  ['price-clerk', 'Price clerk', false, { ...PRICES, 'label.print': 'allow' }],
  ['regional-director', 'Regional director', true, all(REPORTS, PEOPLE, PRICES, STOCK)],
  ['self-checkout', 'Self-checkout attendant', false, { ...SELL, 'age.verify': 'allow', 'terminal.unlock': 'allow' }],
  [
    'shift-manager',
    'Shift manager',
    false,
    { ...all(SELL, TILL, RETURNS), ...PRICES, ...STOCK, 'user.schedule': 'allow' },
  ],
  ['stock-clerk', 'Stock clerk', false, STOCK],
  ['support', 'Support technician', true, { ...all(DEVICES), 'report.audit': 'approve' }],
  ['trainee', 'Trainee', false, { 'receipt.create': 'approve', 'receipt.print': 'allow', 'shift.open': 'approve' }],
  [
    'wholesale-clerk',
    'Wholesale clerk',
    false,
    { ...SELL, ...CUSTOMERS, 'invoice.create': 'allow', 'invoice.cancel': 'approve' },
  ],
]

/** The 24 roles of the made-up company, permissions in the order that the catalogue shows. */
export function seedRoles(): Role[] {
  return ROLES.map(([role, title, privileged, allowed]) => ({ role, title, privileged, permissions: listed(allowed) }))
}

function listed(allowed: Allowed): RolePermission[] {
  return Object.entries(allowed)
    .map(([permission, effect]) => ({ permission, effect }))
    .sort((a, b) => (a.permission < b.permission ? -1 : 1))
}
