/** Every maximum of the suite, in ms, each with its reason. A wait that is not in this list does not exist. */

export const TIMEOUTS = {
  /** One question to the API server. The cluster runs on the same machine; 10 s is a server that has stopped. */
  api: 10_000,
  /** Silence of the API server after which the run ends; asked every 2 s, so a dead node is told within 20 s. */
  clusterLost: 12_000,
  /** One HTTP request to the application; its own limits answer earlier. */
  request: 10_000,
  /** One chat turn: the backend gives its agent 60 s. The scripted model takes under 1 s. */
  chat: 30_000,
  /** Requirements that only read objects. */
  read: 30_000,
  /** A probe pod from creation to its answer: image is there, Python starts in 1 s, the question itself takes at most 15 s. */
  probePod: 60_000,
  /** A requirement of one or a few probe pods one after the other, on a machine of 2 cores that runs five of them at once. */
  probes: 180_000,
  /** A container from scheduling to ready, by the project's own rule. */
  containerReady: 30_000,
  /** The deployer's whole run with a cold database: 40 s on 2 cores, with room for a slow disk. */
  deploy: 300_000,
  /** Pods of one Deployment replaced, two at once: start 5 s + 3 s minReadySeconds + 5 s preStop, while other tiers do the same. */
  rollout: 120_000,
  /** A pod replaced after it was deleted: 60 s of grace at most, then a start. */
  replaced: 90_000,
  /** A container that was killed runs again: noticed within 1 s, started within 10, and a back-off of 10 s at most after one kill. */
  restarted: 60_000,
  /** The database back after its pod was deleted: up to 60 s of grace, start, recovery of its log. */
  databaseBack: 90_000,
  /** Clients see the database's end or return: readiness is asked every 2 s, takes 2 s to give up and has to fail twice. */
  readinessFollows: 30_000,
  /** What a requirement that ran out of time puts back: a few patches, each answered within `api`. It waits for no pod: its signal is aborted. */
  putBack: 30_000,
  /** The same of a requirement that was interrupted, or whose cluster is lost: the run has to end soon. */
  putBackInterrupted: 3_000,
  /** Rules of a NetworkPolicy reach the node: measured under 2 s; a node that starts pods at the same time takes longer. */
  policyApplies: 20_000,
  /** Life of a probe pod that serves while others ask: three questions, each of a probe pod. */
  probeServer: 240_000,
  /** Scaling up by CPU: metrics every 15 s, the controller looks every 15 s, then a pod starts. */
  scaleUp: 120_000,
  /** Scaling back: two rounds of metrics, 30 s of stabilisation, the controller's own 15 s; measured 60–105 s. */
  scaleBack: 180_000,
  /** The metrics API gives figures of new pods after at most two rounds of 15 s. */
  metrics: 60_000,
  /** Requirements that wait for several of the above. */
  story: 240_000,
} as const

/** How long a state has to last before it is believed, and how often it is asked for. */
export const PAUSES = {
  /** Between two looks at an object. */
  poll: 500,
  /** A new pod's address reaches the policy engine and the service rules. */
  networkSettles: 3_000,
  /** Load before a change, to compare with. */
  margin: 2_000,
  /** Load after a change or a fault: what came too late for it must show, and every answer of its time is in. At the lowest rate 25 requests. */
  afterFault: 5_000,
} as const
