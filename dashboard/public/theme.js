// The theme that was chosen, before anything is drawn: the page's own script comes later. See app/preferences.ts.
const theme = localStorage.getItem('usage-meter.theme');
if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
