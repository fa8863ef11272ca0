// The chosen theme is applied before the first paint. Modules run too late for that, so this is a classic script.
(function () {
	'use strict';
	var root = document.documentElement;
	function stored() {
		try {return localStorage.getItem('aimux.theme') || 'auto';} catch (e) {return 'auto';}
	}
	function apply(name) {
		if (name === 'light' || name === 'dark') root.dataset.theme = name;
		else delete root.dataset.theme;
	}
	apply(stored());
	window.aimuxTheme = {
		get: stored,
		set: function (name) {
			try {localStorage.setItem('aimux.theme', name);} catch (e) {/* private mode: lasts as long as the page */}
			apply(name);
		},
	};
})();
