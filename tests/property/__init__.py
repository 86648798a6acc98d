"""Properties that hold for every order of arrival, checked on generated input."""
