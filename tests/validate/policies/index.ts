/** Every policy. A new one needs a mutation that turns it red (mutations.test.ts). */
import type { Policy } from './_policy.ts'
import { accessPolicies } from './access.ts'
import { databasePolicies } from './database.ts'
import { imagePolicies } from './images.ts'
import { namespacePolicies } from './namespace.ts'
import { networkPolicies } from './network.ts'
import { podPolicies } from './pods.ts'
import { rolloutPolicies } from './rollout.ts'
import { secretPolicies } from './secrets.ts'
import { servicePolicies } from './services.ts'

export const POLICIES: readonly Policy[] = [
  ...namespacePolicies,
  ...podPolicies,
  ...rolloutPolicies,
  ...servicePolicies,
  ...imagePolicies,
  ...secretPolicies,
  ...networkPolicies,
  ...databasePolicies,
  ...accessPolicies,
]
