"""Who may do what: the rule language of oslo.policy, its files, and property protections."""
