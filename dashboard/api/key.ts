/** The API key, for as long as the tab is open. It is in no address and in no other storage. */
const NAME = 'usage-meter.api-key';

const listeners = new Set<() => void>();
let needed = false;

export function apiKey(): string | null {
  return sessionStorage.getItem(NAME);
}

export function keepApiKey(key: string): void {
  sessionStorage.setItem(NAME, key);
  needed = false;
  for (const tell of listeners) tell();
}

/** The receiver refused what it was sent: the page asks for another. */
export function forgetApiKey(): void {
  sessionStorage.removeItem(NAME);
  needed = true;
  for (const tell of listeners) tell();
}

/** Whether a key has to be asked for; with {@link onApiKeyChange} a store of React's. */
export function isApiKeyNeeded(): boolean {
  return needed;
}

export function onApiKeyChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
