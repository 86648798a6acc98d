"""The shipped rules, as compliance staff get them."""
