import { writeFileSync } from 'node:fs'

/**
 * What this process and its children hold in memory, users' text among it, is in no core dump, whoever
 * takes it: the kernel is told to leave out all memory (core(5), `coredump_filter`). A limit of the
 * dump's size would not hold where a program of the node takes it. Registers stay in it: up to 2 KB a thread
 * of what it worked on at that moment. Nothing to do where there is no such
 * file, as on macOS. Only what Node brings is imported: it runs before everything else.
 */
export function leaveMemoryOutOfCoreDumps(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0')
  } catch {
    // No Linux, or a /proc that cannot be written to.
  }
}
