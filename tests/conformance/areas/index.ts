/** Every requirement, in the order in which the suite asks. */
import type { Requirement } from '../requirement.ts'
import { ACCESS } from './access.ts'
import { ADMISSION } from './admission.ts'
import { CHAT } from './chat.ts'
import { CLUSTER } from './cluster.ts'
import { DATABASE } from './database.ts'
import { MCP } from './mcp.ts'
import { NETWORK } from './network.ts'
import { OBSERVABILITY } from './observability.ts'
import { OVERLAYS } from './overlays.ts'
import { PODS } from './pods.ts'
import { READINESS } from './readiness.ts'
import { RESILIENCE } from './resilience.ts'
import { REST } from './rest.ts'
import { ROLLOUT } from './rollout.ts'
import { ROUTING } from './routing.ts'
import { SCALING } from './scaling.ts'

export const REQUIREMENTS: readonly Requirement[] = [
  ...CLUSTER, ...OVERLAYS, ...ADMISSION, ...PODS, ...READINESS, ...ROUTING, ...REST, ...CHAT, ...MCP, ...DATABASE, ...NETWORK, ...ACCESS,
  ...SCALING, ...RESILIENCE, ...ROLLOUT, ...OBSERVABILITY,
].sort((a, b) => a.id.localeCompare(b.id))
