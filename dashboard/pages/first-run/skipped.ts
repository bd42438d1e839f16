/** Whether somebody wants to look around before there is usage; remembered for as long as the tab is open. */
const NAME = 'usage-meter.first-run-skipped';

export function isFirstRunSkipped(): boolean {
  return sessionStorage.getItem(NAME) !== null;
}

export function skipFirstRun(): void {
  sessionStorage.setItem(NAME, '1');
}
