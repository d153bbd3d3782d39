/** CPU that the engine may use: `quota` in cores, undefined without a limit. */
export interface CpuGrant {
  threads: number
  quota: number | undefined
  cores: number
}

/**
 * Rounds that a thread looks for work before it sleeps: under a millisecond, longer than any wait of a step
 * that has its cores. With a million, two engines on the same two cores took each other six sevenths of
 * their tokens (SmolLM2, one stream each: 11 a second; with 30,000: 37; alone: 78 and 76).
 */
const SPIN_ROUNDS = '50000'
/**
 * libuv's threads. OpenMP keeps a team of workers for each thread that calls it: with several, steps
 * wander from team to team, and the teams' spinning workers take the cores from each other (measured:
 * half the tokens a second). Sampling runs in parallel inside the one, in the same team.
 */
const NATIVE_THREADS = 1

/**
 * What the engine process gets in its environment, which its libraries read only when they start.
 * Threads that wait by spinning pass a step on at once; without a whole core of the quota for each
 * they would burn what the working one needs, and the kernel would stop them all. Pure.
 */
export function engineEnvironment({ threads, quota, cores }: CpuGrant): Record<string, string> {
  const spin = threads <= Math.floor(Math.min(quota ?? cores, cores))
  return {
    OMP_NUM_THREADS: String(threads),
    OMP_DYNAMIC: 'false',
    // Bound to cores they were slower: the other processes of the machine do not keep off those.
    OMP_PROC_BIND: 'false',
    ...(spin
      ? { OMP_WAIT_POLICY: 'active', GOMP_SPINCOUNT: SPIN_ROUNDS }
      : { OMP_WAIT_POLICY: 'passive', GOMP_SPINCOUNT: '0' }),
    UV_THREADPOOL_SIZE: String(NATIVE_THREADS),
  }
}
