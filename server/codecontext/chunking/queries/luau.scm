((type_definition name: (_) @name) @definition.class
  (#set! min-lines 2))
