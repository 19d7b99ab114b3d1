(create_table (object_reference) @name [(column_definitions) (create_query)] @body) @definition.class
(create_table (object_reference) @name) @definition.class
(create_view (object_reference) @name (create_query) @body) @definition.class
(create_materialized_view (object_reference) @name (create_query) @body) @definition.class
(create_type . (keyword_create) (object_reference) @name) @definition.class
(create_function (object_reference) @name (function_body) @body) @definition.function
(create_trigger . (keyword_create) (object_reference) @name) @definition.function

[(comment) (marginalia)] @comment
