import { h } from './dom.js';
import { head } from './parts.js';
export default { path: 'clients', title: 'clients', icon: 'clients', view: () => head('clients') };
