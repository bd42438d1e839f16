/** A search that is asked for after a short pause of typing; what was asked stands in the address. */
import { type ReactNode, useEffect, useState } from 'react';
import { SearchField } from './field.tsx';

const SEARCH_PAUSE_MS = 200;

export interface SearchBoxProps {
  label: string;
  /** As it stands in the address; empty where nothing is searched. */
  search: string;
  onSearch: (search: string) => void;
}

export function SearchBox({ label, search, onSearch }: SearchBoxProps): ReactNode {
  const [typed, setTyped] = useState(search);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what is typed starts the pause
  useEffect(() => {
    if (typed === search) return;
    const timer = setTimeout(() => onSearch(typed), SEARCH_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  useEffect(() => setTyped(search), [search]);
  return <SearchField label={label} value={typed} onValue={setTyped} />;
}
