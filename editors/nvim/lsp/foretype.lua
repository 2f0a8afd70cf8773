return require('foretype.client').config()
