/** Does what needs not succeed: letting go of what was read, removing what a later start removes. */
export function quietly(act: () => void): void {
  try {
    act()
  } catch {
    // Whoever waits for the answer has it already, or another fault to hear of.
  }
}
