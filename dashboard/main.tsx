/** The page's beginning. */
import './styles/tokens.css';
import './styles/base.css';
import { CSPProvider } from '@base-ui/react/csp-provider';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createQueryClient } from './api/query.ts';
import { applyTheme } from './app/preferences.ts';
import { Toasts } from './kit/toast.tsx';
import { createAppRouter } from './router.tsx';

applyTheme();

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    {/* The page's policy forbids style elements; the kit's style sheets say what they would. */}
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={createQueryClient()}>
        <RouterProvider router={createAppRouter()} />
        <Toasts />
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>,
);
