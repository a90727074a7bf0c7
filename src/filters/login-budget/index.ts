/** Failed logins that are borne, by connection, network and account. RFC 4954 §4; RFC 9051 §11.3; S23. */

export { loginBudget } from './login-budget.ts'
export type { LoginBudgetOptions } from './login-budget.ts'
